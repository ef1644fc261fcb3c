import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="reset-password" />;

export default Page;
