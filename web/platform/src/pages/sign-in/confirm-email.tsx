import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="confirm-email" />;

export default Page;
