import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="reject-sign-in" />;

export default Page;
